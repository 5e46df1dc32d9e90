#include "layer.h"

namespace lvm {

Texts::Texts(std::vector<int64_t> given) : lengths(std::move(given)) {
  std::vector<int64_t> all;
  for (const auto length : lengths) {
    longest = std::max(longest, length);
    for (int64_t i = 0; i < length; ++i) all.push_back(i);
  }
  positions = torch::tensor(all, torch::kInt64);
}

}  // namespace lvm
