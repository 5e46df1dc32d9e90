#pragma once
#include "../data/samples.h"
#include "../model/predictor-model.h"

#include <atomic>

namespace lvm {

// Metrics per window in float64, one column each: cosine, cosine after `centre` is subtracted from both, MSE of the raw output,
// MSE of the unit output, |raw|. Every report takes its numbers from this function.
// Shapes: raw [n, dim], targets [n, dim], centre [dim] or undefined -> [n, 5]
Tensor score(const Tensor& raw, const Tensor& targets, const Tensor& centre);

// Raw outputs of the model for the given windows, in eval mode.
// Shapes: [n, dim], float32 or the model's dtype if wider
Tensor predict(Model& model, const Samples& samples, const Tensor& ids, int64_t batch, const std::atomic<bool>& stop);

// score() of predict(), in batches.
// Shapes: [n, 5]
Tensor evaluate(Model& model, const Samples& samples, const Tensor& ids, int64_t batch, const Tensor& centre,
                const std::atomic<bool>& stop);

}  // namespace lvm
