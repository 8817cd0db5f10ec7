"""Changes of what pages show, as topics: who looks for them, and the streams that tell browsers."""
