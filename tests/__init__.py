"""Everything that shows Esito to keep its promises."""
