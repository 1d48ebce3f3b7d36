"""The kind ``espeak``: robotic, instant speech in a hundred languages, by the program eSpeak NG."""

AUTOMATIC = True
