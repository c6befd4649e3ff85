"""The main job: make scenes, train a small DAS, evaluate it on unseen scenes, and show what it learned."""
