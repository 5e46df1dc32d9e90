#pragma once
#include "../model/predictor-model.h"

namespace lvm {

// Runs a model whose root is a textModel.
// Shapes: ids int64 [tokens] of all texts, one after the other; lengths: tokens of each; pools leave
// out the first `skip` -> float32 [texts or tokens, dim]
// Errors: BAD_ARGUMENT for a model that does not read texts, an empty text, or lengths that do not add up to the ids
Tensor encode_texts(Model& model, const Tensor& ids, const std::vector<int64_t>& lengths, int64_t skip = 0);

}  // namespace lvm
