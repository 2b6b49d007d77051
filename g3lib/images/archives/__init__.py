"""Photos in archives: bytes of files and servers by range, tar headers, shards of one huge tar, test-set archives.

Nothing here writes a member's name to a disk, follows a link or unpickles anything.
"""
