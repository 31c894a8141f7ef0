"""Reports: tables, figures and sentences as one document, in several formats."""
