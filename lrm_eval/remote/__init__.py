"""What everybody who asks a server needs: addresses, keys that never show, waiting, prices. Standard library only."""
