#pragma once
#include "optimizer.h"

namespace lvm {

enum class Loss { mse, cosine };

// Where a step runs. host: as the CPU does it, with a transfer for every gradient's norm. device: vectors, optimizer and losses
// stay on the device, and steps are queued. graph: the same, and the step is captured once and replayed.
enum class Steps { host, device, graph };

struct TrainerOptions {
  int64_t batch;     // windows in a batch
  int64_t vectors;   // in a batch of contexts of unequal length; a longer context is a batch of its own
  int64_t per_step;  // windows of an optimizer step, or groups of windows that begin together
  Loss loss;
  bool bf16;        // products in bfloat16, whatever the dtype of weights
  bool sequence;    // every position predicts its successor; contexts of unequal length: windows that begin together are one pass
  bool recompute;   // see Pass
  bool keep_zeros;  // zero weights of matrices stay zero
  int64_t buffer;   // windows that are shuffled among each other; 0 for all
  uint64_t seed;
  int64_t threads;  // threads of its steps; 0 for those of the environment
  OptimizerOptions optimizer;
  double contrastive;                       // weight of the contrastive loss; 0 for none
  double error_scale;                       // factor of the other loss beside it
  int64_t negatives;                        // rows drawn for it in a step
  Steps steps;                              // at most this; a training that needs the host in a step gets less
  std::map<std::string, double> lr_scales;  // factors of the learning rate by parameter, 1 for all others; 0 freezes one
  bool share_state;                         // each rank keeps a part of the optimizer's state
};

}  // namespace lvm
