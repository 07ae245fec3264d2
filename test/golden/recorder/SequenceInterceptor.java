import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.producer.ProducerInterceptor;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;

/** Numbers the records of one connector as it sends them: their order across topics, and proof that none is missing. */
public class SequenceInterceptor implements ProducerInterceptor<Object, Object> {
    private final AtomicLong sent = new AtomicLong();

    @Override
    public ProducerRecord<Object, Object> onSend(ProducerRecord<Object, Object> record) {
        record.headers().add("golden.sequence", Long.toString(sent.incrementAndGet()).getBytes(StandardCharsets.US_ASCII));
        return record;
    }

    @Override
    public void onAcknowledgement(RecordMetadata metadata, Exception exception) {}

    @Override
    public void close() {}

    @Override
    public void configure(Map<String, ?> configs) {}
}
