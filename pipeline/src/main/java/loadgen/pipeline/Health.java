package loadgen.pipeline;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Properties;
import java.util.TreeSet;
import org.apache.kafka.streams.KafkaStreams;

/** {@code GET /health} on 127.0.0.1: 200 while events are processed, 503 else, with the state and this instance's tasks. */
record Health(String state, TreeSet<String> tasks) {
    static void serve(Properties properties, KafkaStreams streams) throws IOException {
        String port = properties.getProperty(Settings.PREFIX + "port");
        if (port == null) {
            return;
        }
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(port)), 0);
        server.createContext("/health", exchange -> {
            Health health = of(streams);
            byte[] body = Json.write(health);
            exchange.getResponseHeaders().add("Content-Type", "application/json");
            exchange.sendResponseHeaders(health.state.equals("RUNNING") ? 200 : 503, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        Thread thread = new Thread(server::start, "health");
        thread.setDaemon(true);
        thread.start();
    }

    private static Health of(KafkaStreams streams) {
        TreeSet<String> tasks = new TreeSet<>();
        streams.metadataForLocalThreads().forEach(thread -> thread.activeTasks().forEach(task -> tasks.add(task.taskId().toString())));
        return new Health(streams.state().name(), tasks);
    }
}
