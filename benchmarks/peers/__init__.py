"""What is compared: one model, trained by this package and by others, each in a process of its own."""
