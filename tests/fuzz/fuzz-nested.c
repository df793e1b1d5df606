// SPDX-License-Identifier: GPL-3.0-or-later
//
// Damaged machines of KVM's. The input is a list of changes to a sound kernel, (offset u16, width u8, value u64),
// little-endian. With bit 7 of the width the value is an address in the kernel's memory. With a byte behind the last
// change the kernel has VMX.
#include "fuzz.h"

#include "../unit/fake-kvm.h"
#include "linux/kvm/areas.h"
#include "linux/kvm/layout.h"
#include "linux/kvm/page-cache.h"

#include <stdlib.h>
#include <string.h>

enum { CHANGE_SIZE = 11, POINTER = 0x80 };

static void change(const struct fake_kvm *kvm, const uint8_t *data)
{
	const unsigned int width = data[2] & POINTER ? 8 : 1U << data[2] % 4;
	const size_t offset = (size_t)(data[0] | data[1] << 8);
	uint64_t value;
	memcpy(&value, data + 3, sizeof(value));
	if (data[2] & POINTER)
		value = FAKE_KVM_BASE + (value & 0xffff);
	if (offset + width <= FAKE_KVM_SIZE)
		fake_put(&kvm->fake, offset, width, value);
}

// Reads the registers of the machine's vCPUs, and the pages and areas of its process.
static void look_inside(const struct fake_kvm *kvm, const struct gg_kvm_machine *machine)
{
	enum { MOST = 8 };
	static struct gg_cpu_state state;
	const struct gg_host host = gg_kvm_host(&kvm->answerers);
	struct gg_areas *areas;
	struct gg_area area;
	for (size_t i = 0; i < machine->vcpu_count && i < MOST; i++)
		gg_error_destroy(gg_kvm_read_vcpu(&kvm->answerers, NULL, machine->vcpus[i].address,
						  NULL, &state));
	struct gg_error *err = gg_areas_create(&host, FAKE_KVM_BASE + FAKE_KVM_MM, &areas);
	if (!err) {
		err = gg_areas_find(areas, FAKE_KVM_AREA_START, &area);
		gg_areas_destroy(areas);
	}
	gg_error_destroy(err);
}

// Looks for pages of the process's file.
static void look_into_file(const struct fake_kvm *kvm)
{
	const struct gg_host host = gg_kvm_host(&kvm->answerers);
	struct gg_page_cache *cache;
	struct gg_kvm_piece piece;
	struct gg_error *err = gg_page_cache_create(&kvm->answerers, &host, &cache);
	for (uint64_t index = 0; !err && index < UINT64_MAX / 64; index += 1 + index * 2) {
		struct gg_error *lost =
			gg_page_cache_find(cache, FAKE_KVM_BASE + FAKE_KVM_FILE, index, &piece);
		if (!lost && !piece.size)
			abort();
		gg_error_destroy(lost);
	}
	if (!err)
		gg_page_cache_destroy(cache);
	gg_error_destroy(err);
}

// The slots are ascending and disjoint.
static void check(const struct gg_kvm_machine *machine)
{
	for (size_t i = 1; i < machine->slot_count; i++)
		if (machine->slots[i].gpa < machine->slots[i - 1].gpa + machine->slots[i - 1].size)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fake_kvm kvm;
	struct gg_kvm_machines machines;
	fake_kvm_init(&kvm);
	if (size % CHANGE_SIZE)
		fake_kvm_use_vmx(&kvm, &fake_vmcs12);
	for (size_t at = 0; at + CHANGE_SIZE <= size; at += CHANGE_SIZE)
		change(&kvm, data + at);
	struct gg_error *err = gg_kvm_read(&kvm.answerers, &kvm.map, true, NULL, &machines);
	for (size_t i = 0; !err && i < machines.count; i++)
		check(&machines.machines[i]);
	for (size_t i = 0; !err && i < machines.count && i < 4; i++)
		look_inside(&kvm, &machines.machines[i]);
	look_into_file(&kvm);
	gg_kvm_machines_deinit(&machines);
	gg_error_destroy(err);
	fake_kvm_deinit(&kvm);
	return 0;
}
