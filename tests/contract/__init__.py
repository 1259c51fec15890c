"""What Esito promises on paper: generated files, documents, the example configuration."""
