#include "runtime/card_mark.h"

#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <memory>

namespace sd::runtime {

CardWait mark_card(const c10::Device& device) {
  const auto event = std::make_shared<c10::Event>(device.type());
  event->record(c10::impl::VirtualGuardImpl(device.type()).getStream(device));
  return [event] { event->synchronize(); };
}

}  // namespace sd::runtime
