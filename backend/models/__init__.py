"""Networks, one file each. Importing one needs torch; the ONNX engine does without."""
