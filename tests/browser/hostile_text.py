"""A page that shows the texts of a file as the app's pages show what comes out of logs."""

import json
import os
from pathlib import Path

import streamlit as st

from usagecost.ui import plain

for number, text in enumerate(json.loads(Path(os.environ["TEXTS"]).read_text())):
    with st.container(key=f"text_{number}"):
        st.markdown(plain(text))
        st.caption(plain(text))
        st.markdown(f"**{plain(text)}**")
        st.warning(plain(text))
        st.button(plain(text), key=f"button_{number}", help=plain(text))
        st.header(plain(text), anchor=False)
        st.radio(plain(text), ["one"], key=f"radio_{number}")
        st.metric(plain(text), 1)
st.html("<i id='end'>end</i>")
