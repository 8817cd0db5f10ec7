"""Contents of pages, without HTTP: documents of services become rows, trees and pictures."""
