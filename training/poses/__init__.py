"""Where poses come from: motion capture and hand-set postures."""
