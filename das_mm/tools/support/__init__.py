"""What several verbs use: a config made ready to run, sizes as words, pictures of inputs. No verbs."""
