/** Stages of the check in order of their value, with the seconds that each may take. The build takes what it needs before them. */
export const STAGES = [
  { name: 'parity', budget: 60, about: 'outputs and gradients of every architecture against the CPU' },
  { name: 'steps', budget: 40, about: 'queued and recorded steps against steps that wait for the host' },
  { name: 'ceilings', budget: 20, about: 'products and copies that the device makes at most' },
  { name: 'train', budget: 120, about: 'time of a training step beside PyTorch eager and torch.compile' },
  { name: 'inference', budget: 60, about: 'time of a prediction beside PyTorch eager and torch.compile' },
  { name: 'resume', budget: 45, about: 'a training that is interrupted within an epoch against one that is not' },
  { name: 'bf16', budget: 30, about: 'bfloat16 products and weights against float32' },
  { name: 'steppers', budget: 30, about: 'one vector after the other against the whole context' },
  { name: 'memory', budget: 30, about: 'peak memory of training against 16 bytes a parameter' },
]
