#pragma once
#include "../data/samples.h"
#include "../model/predictor-model.h"

#include <atomic>

namespace lvm {

// Per-window figures in float64, one column each, so that every number in every report comes from this one function.
// Columns: cosine, cosine after `centre` is subtracted from both, MSE of the raw output, MSE of the unit output, |raw|.
// Shapes: raw [n, dim], targets [n, dim], centre [dim] or undefined -> [n, 5]
Tensor score(const Tensor& raw, const Tensor& targets, const Tensor& centre);

// The model's raw outputs for the given windows, in eval mode. Shapes: [n, dim], float32 or the model's dtype if wider.
Tensor predict(Model& model, const Samples& samples, const Tensor& ids, int64_t batch, const std::atomic<bool>& stop);

// score() of predict(), batch by batch. Shapes: [n, 5]
Tensor evaluate(Model& model, const Samples& samples, const Tensor& ids, int64_t batch, const Tensor& centre,
                const std::atomic<bool>& stop);

}  // namespace lvm
