"""A Ray cluster of several machines on this one, as long as standard input is open.

    python nodes_for_tests.py 2 1      a head with two CPU slots and a second machine with one

Prints the address; a line `kill` on standard input kills the last machine, as a power cut would, and prints `killed`.
"""

import sys

from ray.cluster_utils import Cluster


def say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


def main(slots: list[int]) -> None:
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": slots[0], "include_dashboard": False})
    nodes = [cluster.add_node(num_cpus=count) for count in slots[1:]]
    say(cluster.address)
    for line in sys.stdin:
        if line.strip() == "kill":
            cluster.remove_node(nodes.pop(), allow_graceful=False)
            say("killed")
    cluster.shutdown()


if __name__ == "__main__":
    main([int(number) for number in sys.argv[1:]])
