#pragma once
#include "../torch.h"

#include <atomic>

namespace lvm {

using torch::Tensor;

struct TsneOptions {
  double perplexity;
  int64_t iterations;
};
struct Embedded {
  Tensor places;      // [n, 2], float64
  double divergence;  // Kullback-Leibler, in nats
};

// Conditional Gaussian affinities of one perplexity, made symmetric; they sum to 1.
// Shapes: x [n, dim] -> [n, n], float32
Tensor affinities(const Tensor& x, double perplexity, const std::atomic<bool>& stop);

// First two principal components, each with its largest loading positive, scaled so that the first has standard deviation 1e-4.
// Shapes: x [n, dim] -> [n, 2], float64
Tensor principal_start(const Tensor& x);

// Gradient of the Kullback-Leibler divergence from exaggerated affinities, and the sum of 1 / (1 + d²). Computes every pair;
// writes nothing of size n².
// Shapes: p [n, n], float32, y [n, 2], float32 -> gradient [n, 2], float64
double tsne_gradient(const Tensor& p, const Tensor& y, double exaggeration, Tensor& gradient);

// Exact t-SNE: gradient descent with momentum and gains, 250 steps of early exaggeration, initialised by principal components.
// Shapes: x [n, dim], float32
// Source: van der Maaten & Hinton 2008; step sizes as Belkina et al. 2019 and scikit-learn
Embedded tsne(const Tensor& x, const TsneOptions& options, const std::atomic<bool>& stop);

}  // namespace lvm
