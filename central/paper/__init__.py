"""Pictures of a document: PDF to be served and kept, DOCX to be printed with the office's own type."""
