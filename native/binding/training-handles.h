#pragma once
#include "../train/trainer.h"
#include "handle.h"

namespace lvm {

template <>
struct Kind<Trainer> {
  static constexpr napi_type_tag tag{0x6c766d746f726368, 5};
  static constexpr const char* name = "trainer";
};
template <>
struct Kind<Ranks> {
  static constexpr napi_type_tag tag{0x6c766d746f726368, 23};
  static constexpr const char* name = "group of ranks";
};

void export_ranks(Napi::Object exports);
void export_trainer_state(Napi::Object exports);

}  // namespace lvm
