"""Figures: Altair charts of what tables say in numbers, made for print and for a page."""
