"""What the speaking engines share: eSpeak NG as a program, text in sentences, sound joined."""
