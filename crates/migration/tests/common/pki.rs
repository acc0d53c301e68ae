//! Certificates for tests.

use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};

/// An authority and what it has signed, as files.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new(directory: &Path, name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("an authority");
        std::fs::write(directory.join(format!("{name}.pem")), issuer.pem()).expect("a file");
        Self(issuer)
    }

    pub fn sign(&self, directory: &Path, host: &str) {
        let mut params = CertificateParams::new(vec![host.to_owned()]).expect("parameters");
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        std::fs::write(directory.join(format!("{host}.pem")), certificate.pem()).expect("a file");
        std::fs::write(directory.join(format!("{host}.key")), key.serialize_pem()).expect("a file");
    }
}

/// The part of a URI that names them.
pub fn files(directory: &Path, ca: &str, who: &str) -> String {
    let directory = directory.display();
    format!("ca={directory}/{ca}.pem&cert={directory}/{who}.pem&key={directory}/{who}.key")
}
