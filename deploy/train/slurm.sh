#!/bin/bash
# One training on four machines: sbatch deploy/train/slurm.sh transformer --data /shared/vectors.npy --out /shared/runs
# The data and the folder of runs must be shared. A job that is requeued goes on from the last save.
#SBATCH --job-name=lvm-torch-train
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=TERM@120
set -eu
# All tasks end when one has failed; SIGTERM, two minutes before the time is over, ends the training with a save.
exec srun --kill-on-bad-exit=1 --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}" lvm-torch train "$@"
