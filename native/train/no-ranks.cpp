// Where libtorch has no Gloo.

#include "ranks.h"

#ifndef LVM_TORCH_GLOO

namespace lvm {
namespace {
[[noreturn]] void refuse() {
  throw Error("DEVICE_UNAVAILABLE", "train: expected a libtorch with Gloo for several processes but this system's has none");
}
}  // namespace

struct Ranks::Group {};
Ranks::Ranks(const RanksOptions& o) : rank(o.rank), size(o.size), share_memory(o.share_memory) { refuse(); }
Ranks::~Ranks() = default;
int Ranks::port() const { refuse(); }
void Ranks::set(const std::string&, const std::string&) { refuse(); }
std::optional<std::string> Ranks::get(const std::string&) { refuse(); }
void Ranks::note(const std::string&) { refuse(); }
void Ranks::connect(const std::string&, const std::string&) { refuse(); }
Sum Ranks::sum(const Tensor&) { refuse(); }
std::function<void()> Ranks::give(const Tensor&, int) { refuse(); }
void Ranks::send(const Tensor&, int) { refuse(); }
void Ranks::receive(const Tensor&, int) { refuse(); }
void Ranks::broadcast(const std::vector<Tensor>&) { refuse(); }
void Ranks::abandon() { refuse(); }

}  // namespace lvm

#endif
