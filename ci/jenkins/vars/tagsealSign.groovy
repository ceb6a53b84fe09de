// A step of a shared library whose "Library Path" is ci/jenkins:
//
//   tagsealSign(repository: 'registry.example.com/team/app', tags: env.TAG_NAME, rootPin: 'app.root.pem',
//       organizationId: '…', projectSlug: 'app', signingPolicySlug: 'release-signing',
//       credentials: [SIGNPATH_API_TOKEN: 'signpath', NOTARY_AUTH: 'notary', REGISTRY_AUTH: 'registry'])
//
// "credentials" are ids of credentials of the kind "secret text", by the variables that tagseal reads them from. Repeated
// in its workspace, it goes on with the signing request that it has filed. Where somebody approves, a first stage can
// file the request alone (mode: 'submit'); on another agent the later one finds it by
// stash(name: 'tagseal', includes: '.tagseal-ci/signing-requests/*') and unstash('tagseal').
void call(Map options) {
    Map variables = [
        mode: 'SIGN_MODE',
        repository: 'SIGN_REPOSITORY',
        tags: 'SIGN_TAGS',
        arguments: 'SIGN_ARGUMENTS',
        timeout: 'SIGN_TIMEOUT',
        rootPin: 'TAGSEAL_ROOT_PIN',
        organizationId: 'SIGNPATH_ORGANIZATION_ID',
        projectSlug: 'SIGNPATH_PROJECT_SLUG',
        signingPolicySlug: 'SIGNPATH_SIGNING_POLICY_SLUG',
        tagsealUrl: 'TAGSEAL_URL',
        tagsealSha256: 'TAGSEAL_SHA256',
    ]
    List settings = []
    List secrets = []
    for (String name in options.keySet()) {
        if (name == 'credentials') {
            for (String variable in options.credentials.keySet()) {
                secrets << string(credentialsId: options.credentials[variable], variable: variable)
            }
        } else if (name != 'retries') {
            if (!variables.containsKey(name)) { error("tagsealSign has no option \"${name}\"") }
            settings << "${variables[name]}=${options[name] ?: ''}".toString()
        }
    }
    // 5: a service is out of reach, 8: the wait is over. What goes on is one and the same signing request.
    int retries = options.retries == null ? 2 : options.retries as int
    int code = 0
    withEnv(settings) {
        withCredentials(secrets) {
            for (int attempt = 0; attempt <= retries; attempt++) {
                code = isUnix()
                    ? sh(returnStatus: true, script: libraryResource('tagseal/sign.sh'))
                    : powershell(returnStatus: true, script: libraryResource('tagseal/sign.ps1'))
                if (code != 5 && code != 8) { break }
            }
        }
    }
    if (code != 0) { error("Signing has failed with exit code ${code}; the log says why, and what to do next") }
}
