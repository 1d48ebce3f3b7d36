"""A library for kinds that speak: eSpeak NG as a program, splitting of texts, joining of sounds."""
