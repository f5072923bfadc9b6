"""Correcting a pose over its drawing: joints dragged, bones turned round in depth, readings browsed, labels written."""
