"""Captured and made requests with their verdicts: the folder a file lies in is the verdict.

`<provider>/accepted`, `<provider>/rejected/<rejection code>`, `<provider>/refused/<refusal code>`.
"""
