"""What the clock says: engines that run networks, how they are timed, and where the time goes."""
