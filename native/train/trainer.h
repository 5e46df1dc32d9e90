#pragma once
#include "../data/samples.h"
#include "../model/predictor-model.h"
#include "../recycling.h"
#include "optimizer.h"

#include <atomic>
#include <functional>
#include <unordered_map>

namespace lvm {

enum class Loss { mse, cosine };

struct TrainerOptions {
  int64_t batch, accumulate;
  Loss loss;
  bool bf16;        // products in bfloat16, whatever the weights are
  bool sequence;    // every position predicts its successor
  bool recompute;   // see Pass
  bool keep_zeros;  // what is zero in a matrix at the start stays zero
  uint64_t seed;
  int64_t threads;  // of its steps; 0: as many as everything else has
  OptimizerOptions optimizer;
};

// Sums over the steps of an epoch so far. Part of a checkpoint, so that a resumed epoch reports the same figures to the bit.
struct Sums {
  double loss = 0, grad_norm = 0;
  int64_t windows = 0, steps = 0;
};

class Trainer {
 public:
  Trainer(std::shared_ptr<Model> model, std::shared_ptr<Samples> samples, Tensor ids, TrainerOptions options);

  // Optimizer steps of `epoch` from step `from` on, one per learning rate, until done or stopped; returns how many were made.
  // Between two steps it asks whether to go on.
  int64_t run(int64_t epoch, int64_t from, const std::vector<double>& rates, const std::function<bool()>& go_on);
  int64_t steps_per_epoch() const;

  const std::shared_ptr<Model> model;
  const std::shared_ptr<Samples> samples;
  const TrainerOptions options;
  Optimizer optimizer;
  Sums sums;
  // Read from the JS thread while a run goes on.
  std::atomic<bool> stop = false;
  std::atomic<int64_t> done = 0;
  std::atomic<double> mean_loss = 0;

 private:
  const Recycling recycling;
  double accumulate(const Tensor& ids, double share, uint64_t call_base);
  Tensor order(int64_t epoch);
  void mark_zeros();

  const Tensor ids;
  std::vector<std::pair<Tensor, Tensor>> zeros;  // matrices and their averages, and where they stay zero
  Tensor shuffled;
  int64_t shuffled_epoch = -1;
};

// The mean loss of a batch, as a scalar tensor. Shapes: raw [..., dim], target [..., dim]
Tensor loss_of(const Tensor& raw, const Tensor& target, Loss loss, bool unit);

}  // namespace lvm
