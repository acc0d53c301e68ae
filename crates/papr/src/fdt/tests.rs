//! What a guest must find in the tree, read back with a parser that is not ours.

use fdt::Fdt;
use fdt::node::FdtNode;

use crate::config::PlatformConfig;
use crate::testing::{FakeHost, Machine, config, with_nvdimm};
use papr_scm::Plug;

fn with_tree(config: &PlatformConfig, check: impl FnOnce(Fdt<'_>)) {
    let machine = Machine::on(FakeHost::new(), config.clone(), None);
    let blob = machine.platform.device_tree().expect("it fits");
    check(Fdt::new(&blob).expect("it is a device tree"));
}

#[test]
fn persistent_memory_is_in_the_tree_and_its_hypercalls_are_announced() {
    let blob = with_nvdimm(Plug::Cold)
        .platform
        .device_tree()
        .expect("it fits");
    let tree = Fdt::new(&blob).expect("it is a device tree");
    let device = tree
        .find_node("/ibm,persistent-memory/ibm,pmemory@90000000")
        .expect("it exists");
    assert_eq!(text(&device, "compatible"), "ibm,pmemory");
    let connectors = tree.find_node("/ibm,persistent-memory").expect("it exists");
    assert_eq!(cells(&connectors, "ibm,drc-indexes")[..2], [4, 0x9000_0000]);
    let groups = |tree: &Fdt<'_>| {
        let rtas = tree.find_node("/rtas").expect("it exists");
        text(&rtas, "ibm,hypertas-functions")
            .split('\0')
            .any(|group| group == "hcall-scm")
    };
    assert!(groups(&tree));
    with_tree(&config(1), |tree| {
        assert!(!groups(&tree));
        assert!(tree.find_node("/ibm,persistent-memory").is_none());
    });
}

#[test]
fn events_have_interrupts() {
    with_tree(&config(1), |tree| {
        let cells_of = |path: &str| cells(&tree.find_node(path).expect("it exists"), "interrupts");
        assert_eq!(cells_of("/event-sources/epow-events"), [0x1000, 0]);
        assert_eq!(cells_of("/event-sources/hot-plug-events"), [0x1001, 0]);
    });
}

fn bytes<'a>(node: &FdtNode<'_, 'a>, name: &str) -> &'a [u8] {
    node.property(name)
        .unwrap_or_else(|| panic!("{} has no {name}", node.name))
        .value
}

fn cells(node: &FdtNode<'_, '_>, name: &str) -> Vec<u32> {
    bytes(node, name)
        .chunks_exact(4)
        .map(|cell| u32::from_be_bytes(cell.try_into().expect("4 bytes")))
        .collect()
}

fn text<'a>(node: &FdtNode<'_, 'a>, name: &str) -> &'a str {
    std::str::from_utf8(bytes(node, name))
        .expect("it is text")
        .trim_end_matches('\0')
}

#[test]
fn linux_takes_the_machine_for_a_pseries_in_a_partition() {
    with_tree(&config(1), |tree| {
        let root = tree.find_node("/").expect("it exists");
        assert_eq!(text(&root, "device_type"), "chrp");
        assert_eq!(
            (cells(&root, "#address-cells"), cells(&root, "#size-cells")),
            (vec![2], vec![2])
        );
        let rtas = tree.find_node("/rtas").expect("it exists");
        assert!(
            text(&rtas, "ibm,hypertas-functions")
                .split('\0')
                .any(|group| group == "hcall-splpar")
        );
    });
}

#[test]
fn negotiated_options_are_radix_with_guest_invalidation_and_xics() {
    with_tree(&config(1), |tree| {
        let chosen = tree.find_node("/chosen").expect("it exists");
        let vector = bytes(&chosen, "ibm,architecture-vec-5");
        assert_eq!(usize::from(vector[0]) + 2, vector.len());
        assert_eq!(vector[23] & 0xC0, 0, "XIVE");
        assert_eq!(vector[24] & 0xC0, 0x40, "radix only");
        assert_eq!(vector[26] & 0x40, 0x40, "GTSE");
    });
}

#[test]
fn the_kernel_finds_its_command_line_ram_disk_console_and_entropy() {
    with_tree(&config(1), |tree| {
        let chosen = tree.find_node("/chosen").expect("it exists");
        assert_eq!(text(&chosen, "bootargs"), "console=hvc0");
        assert_eq!(
            bytes(&chosen, "linux,initrd-start"),
            0x800_0000_u64.to_be_bytes()
        );
        assert_eq!(
            bytes(&chosen, "linux,initrd-end"),
            0x900_0000_u64.to_be_bytes()
        );
        assert_eq!(bytes(&chosen, "rng-seed"), [7; 32]);
        let vty = tree
            .find_node(text(&chosen, "stdout-path"))
            .expect("it leads somewhere");
        assert_eq!(text(&vty, "compatible"), "hvterm1");
        assert_eq!(cells(&vty, "reg"), [0x7100_0000]);
        assert_eq!(cells(&vty, "interrupts"), [0x1100, 0]);
    });
    with_tree(
        &PlatformConfig {
            initrd: None,
            ..config(1)
        },
        |tree| {
            assert!(
                tree.find_node("/chosen")
                    .expect("it exists")
                    .property("linux,initrd-start")
                    .is_none()
            );
        },
    );
}

#[test]
fn memory_is_all_there_and_rtas_is_reserved_in_it() {
    let config = PlatformConfig {
        memory: 6 << 30,
        ..config(1)
    };
    with_tree(&config, |tree| {
        let memory = tree.find_node("/memory@0").expect("it exists");
        assert_eq!(cells(&memory, "reg"), [0, 0, 1, 0x8000_0000]);
        let reserved: Vec<(u64, usize)> = tree
            .memory_reservations()
            .map(|r| (r.address() as u64, r.size()))
            .collect();
        assert_eq!(reserved, [(config.rtas_base, 0x1000)]);
    });
}

#[test]
fn every_cpu_has_a_node_that_names_its_interrupt_server() {
    let config = PlatformConfig {
        max_vcpus: 8,
        ..config(3)
    };
    with_tree(&config, |tree| {
        let cpus = tree.find_node("/cpus").expect("it exists");
        assert_eq!(cpus.children().count(), 3);
        for (id, cpu) in (0..).zip(cpus.children()) {
            assert_eq!(cpu.name, format!("PowerPC,POWER9@{id}"));
            assert_eq!(
                (
                    cells(&cpu, "reg"),
                    cells(&cpu, "ibm,ppc-interrupt-server#s")
                ),
                (vec![id], vec![id])
            );
            assert_eq!(cells(&cpu, "cpu-version"), [0x4E_1202]);
            assert_eq!(cells(&cpu, "timebase-frequency"), [512_000_000]);
            assert_eq!(
                cells(&cpu, "ibm,processor-radix-AP-encodings"),
                [0x0C, 0xA000_0010, 0x2000_0015, 0x4000_001E]
            );
        }
        let controller = tree.find_node("/interrupt-controller").expect("it exists");
        assert_eq!(cells(&controller, "ibm,interrupt-server-ranges"), [0, 8]);
    });
}

#[test]
fn processor_features_have_radix_and_little_endian_and_no_transactions() {
    with_tree(&config(1), |tree| {
        let cpu = tree.find_node("/cpus/PowerPC,POWER9@0").expect("it exists");
        let features = bytes(&cpu, "ibm,pa-features");
        assert_eq!(
            (usize::from(features[0]), features[1]),
            (features.len() - 2, 0)
        );
        let has = |byte: usize| features[2 + byte] & 0x80 != 0;
        assert!(has(5) && has(40) && has(46) && has(54));
        assert!(!has(22) && !has(38));
        assert_eq!(cells(&cpu, "ibm,dfp"), [1]);
    });
}

#[test]
fn rtas_tells_every_token_and_where_it_is() {
    with_tree(&config(1), |tree| {
        let rtas = tree.find_node("/rtas").expect("it exists");
        let machine = Machine::new(1);
        for service in machine.platform.rtas.services() {
            assert_eq!(
                cells(&rtas, service.name()),
                [service.token()],
                "{}",
                service.name()
            );
        }
        assert_eq!(cells(&rtas, "linux,rtas-base"), [0xF00_0000]);
        assert_eq!(cells(&rtas, "linux,rtas-entry"), [0xF00_0000]);
        assert_eq!(cells(&rtas, "rtas-size"), [0x1000]);
    });
}

#[test]
fn names_longer_than_the_specification_has_them_survive() {
    with_tree(&config(1), |tree| {
        let rtas = tree.find_node("/rtas").expect("it exists");
        assert_eq!(cells(&rtas, "ibm,associativity-reference-points"), [4, 4]);
    });
}
