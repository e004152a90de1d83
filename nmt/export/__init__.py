"""A trained run in the form that other programs take: CTranslate2, ONNX, the Hugging Face hub.

Start reading at ``to_ctranslate2.py`` or ``to_onnx.py``. What lies in ``outside/`` goes along with
an exported model and knows nothing of nmt.
"""
