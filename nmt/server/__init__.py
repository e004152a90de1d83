"""Serves runs over HTTP, to clients of LibreTranslate's interface and to a page of ours.

Start reading at application.py, which says which path is answered where; work_queue.py decides
whose turn it is.
"""
