"""What several verbs use: a config made ready to run, pictures of inputs. No verbs."""
