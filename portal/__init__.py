"""The doors: people, pages, API, staff. They translate, ask the engine once, and translate back."""
