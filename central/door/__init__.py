"""The public door: pages for anybody, in a process of its own that sees nothing but what the hall has published."""
