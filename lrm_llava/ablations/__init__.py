"""The paper's ablations in small: arms that differ in one thing, trained alike and asked alike."""
