"""The divergence of a t-SNE map and its gradient in float64, from the definitions: tsne.py VECTORS.npy PLACES.npy PERPLEXITY."""

import json
import sys

import numpy as np

x = np.load(sys.argv[1]).astype(np.float64)
y = np.load(sys.argv[2])
wanted = np.log(float(sys.argv[3]))
n = len(x)
squares = (x * x).sum(1)
distances = np.maximum(squares[:, None] + squares[None] - 2 * x @ x.T, 0)
p = np.zeros((n, n))
for i in range(n):
    d = np.delete(distances[i], i)
    d -= d.min()
    low, high, beta = 0.0, np.inf, 1.0
    for _ in range(200):
        w = np.exp(-beta * d)
        entropy = np.log(w.sum()) + beta * (w * d).sum() / w.sum()
        if abs(entropy - wanted) < 1e-12:
            break
        if entropy > wanted:
            low, beta = beta, beta * 2 if np.isinf(high) else (beta + high) / 2
        else:
            high, beta = beta, (low + beta) / 2
    p[i, np.arange(n) != i] = w / w.sum()
p = (p + p.T) / (2 * n)
difference = y[:, None] - y[None]
q = 1 / (1 + (difference**2).sum(-1))
np.fill_diagonal(q, 0)
share = q / q.sum()
near = p > 0
divergence = (p[near] * np.log(p[near] / share[near])).sum()
gradient = 4 * (((p - share) * q)[:, :, None] * difference).sum(1)
print(json.dumps({"divergence": divergence, "largest": np.abs(gradient).max()}))
