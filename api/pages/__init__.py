"""Pages for people: what each problem means, and the API's documentation. Nothing on them comes from elsewhere."""
