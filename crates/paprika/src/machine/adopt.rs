//! A machine that goes on where another stood.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use papr::PersistentMemory;
use papr_scm::nvdimm::OpenNvdimm;
use papr_scm::{Plug, PlugError};
use power::Cpu;
use power::time::TIME_BASE_HZ;

use super::life::Machine;
use super::pmem::PmemError;
use super::state::{Description, MachineState, STATE_VERSION, StateError, Warning, compat};

impl Machine {
    /// Takes over the state of a saved machine: plugs `nvdimms` where its guest knows them, and puts everything else where it was. The
    /// guest goes on when [`run`](Self::run) is called. RAM is the caller's to fill, before or after.
    ///
    /// Everything that can be refused is refused here. The machine must be one of [`Blueprint::of_saved`](super::Blueprint::of_saved),
    /// built without devices and not running.
    ///
    /// # Errors
    /// [`StateError`]; the machine is of no use then.
    pub fn adopt(
        &self,
        state: MachineState,
        nvdimms: &[OpenNvdimm],
    ) -> Result<Vec<Warning>, StateError> {
        if !(1..=STATE_VERSION).contains(&state.version) {
            return Err(StateError::Version(state.version));
        }
        let downtime = state.downtime();
        let MachineState {
            description,
            boot,
            mut partition,
            vcpus,
            mut platform,
            ..
        } = state;
        if boot != *self.boot.state() {
            return Err(StateError::Damaged(
                "it is not of what the machine boots".into(),
            ));
        }
        self.plug(&description, nvdimms)?;
        let warnings = compat::check(&description, &self.control.description())?;

        // What the comparison has allowed to differ must not be refused below.
        let mut flush_not_advertised = BTreeSet::new();
        platform.machine.machine = self.platform.config().machine.name().to_owned();
        if let Some(mut scm) = PersistentMemory::state(&platform)? {
            scm.flush_hypercall = self.scm.has_flush();
            for device in &mut scm.devices {
                let Some(here) = self.scm.device(device.drc) else {
                    continue;
                };
                let told = description.nvdimms.iter().find(|it| it.id == device.id);
                if here.flush_announced() && !told.is_some_and(|it| it.announced) {
                    flush_not_advertised.insert(device.id.clone());
                }
                device.sync_dax = here.sync_dax();
                device.flush_announced = here.flush_announced();
            }
            PersistentMemory::replace_state(&mut platform, &scm);
        }

        let ticks = downtime.as_nanos() * u128::from(TIME_BASE_HZ) / 1_000_000_000;
        partition.time_base = partition.time_base.wrapping_add(ticks as u64);
        self.partition.import(&partition)?;
        if vcpus.len() != self.partition.vcpus() as usize {
            return Err(StateError::Damaged(format!(
                "it has {} vCPUs and says that there are {}",
                vcpus.len(),
                description.cpus
            )));
        }
        // Each vCPU takes its state on its own thread; that it can is seen here.
        for (id, vcpu) in (0..).zip(&vcpus) {
            if let Some(mut cpu) = Cpu::new(&self.partition, id) {
                cpu.import(&vcpu.cpu)?;
            }
        }
        self.platform.import(platform)?;
        self.control.set_flush_not_advertised(flush_not_advertised);
        *self.adopted.lock().unwrap_or_else(PoisonError::into_inner) = Some(vcpus);
        Ok(warnings)
    }

    /// Plugs devices where the guest of `description` knows them.
    fn plug(&self, description: &Description, nvdimms: &[OpenNvdimm]) -> Result<(), StateError> {
        for nvdimm in nvdimms {
            let id = &nvdimm.config.id;
            let known = description.nvdimms.iter().find(|it| it.id == *id);
            let known = known.ok_or_else(|| compat::Refusal::SurplusNvdimm(id.clone()))?;
            let mut spec = nvdimm.spec(known.guest_address);
            spec.slot = Some(spec.slot.unwrap_or(known.slot));
            self.scm
                .plug(spec, nvdimm.backing.clone(), Plug::Cold)
                .map_err(|error: PlugError| PmemError::from(error))?;
        }
        self.control.know(nvdimms);
        Ok(())
    }
}
