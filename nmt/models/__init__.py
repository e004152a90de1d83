"""The architectures, behind one interface.

Start reading at interface.py, then lstm.py or transformer.py.
"""
