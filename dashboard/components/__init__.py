"""What is drawn: functions from a view to markup, and the two parts that think in the browser.

Every function here escapes the text that it is given; markup is put together
nowhere else.
"""
