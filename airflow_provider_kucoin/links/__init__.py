"""Links from a task's page to where its money is."""
