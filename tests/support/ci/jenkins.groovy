// The steps of Jenkins that ci/jenkins/ uses, run here: groovy jenkins.groovy LIBRARY, and for each job a line of stdin,
// WORKSPACE, a tab and OPTIONS.json; what ends its log is END, a blank, SUCCESS or FAILURE.
import groovy.json.JsonSlurper

def (library) = args
String workspace
Map secrets
List environment

def step = new GroovyShell().parse(new File(library, 'vars/tagsealSign.groovy'))
def steps = step.metaClass
steps.error = { String message -> throw new IllegalStateException(message) }
steps.isUnix = { -> true }
steps.string = { Map named -> named }
steps.libraryResource = { String name -> new File(library, "resources/${name}").text }
steps.withEnv = { List pairs, Closure body ->
    environment << pairs.collectEntries { pair -> def at = pair.indexOf('='); [pair.substring(0, at), pair.substring(at + 1)] }
    try { body() } finally { environment.removeAt(environment.size() - 1) }
}
steps.withCredentials = { List bindings, Closure body ->
    environment << bindings.collectEntries { binding ->
        if (!secrets.containsKey(binding.credentialsId)) { throw new IllegalStateException("no credentials '${binding.credentialsId}'") }
        [binding.variable, secrets[binding.credentialsId]]
    }
    try { body() } finally { environment.removeAt(environment.size() - 1) }
}
steps.sh = { Map named ->
    def script = File.createTempFile('jenkins', '.sh')
    script.text = named.script
    // A script with a first line of its own is started by that line, else by sh -xe.
    def shell = named.script.startsWith('#!') ? [named.script.readLines()[0].substring(2)] : ['sh', '-xe']
    def builder = new ProcessBuilder(shell + [script.path]).directory(new File(workspace)).redirectErrorStream(true)
    builder.environment().clear()
    environment.each { builder.environment().putAll(it) }
    def process = builder.start()
    process.outputStream.close()
    process.inputStream.eachLine('UTF-8') { println it }
    process.waitFor()
}

System.in.eachLine('UTF-8') { line ->
    def (folder, file) = line.split('\t')
    def given = new JsonSlurper().parse(new File(file))
    workspace = folder
    secrets = given.secrets
    environment = [new LinkedHashMap(given.env)]
    def result = 'SUCCESS'
    try {
        step.call(given.options)
    } catch (IllegalStateException failure) {
        println "ERROR: ${failure.message}"
        result = 'FAILURE'
    }
    println "END ${result}"
    System.out.flush()
}
