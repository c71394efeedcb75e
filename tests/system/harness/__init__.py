"""What the system tests share: servers that they start, a raw RESP client, and TAP for meson."""
